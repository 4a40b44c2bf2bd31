"""The fold, by what the kinds are about; `base` says what a fold function is, and what it may do."""

from appliance.records.folds import (
    attestations,
    backups,
    cases,
    certificates,
    desk,
    money,
    node,
    officers,
    operators,
    orders,
    people,
    printing,
    tokens,
)
from appliance.records.folds.base import FOLD_VERSION, FOLDS, ORDER_FOLDS, About, Fold, Ops
from appliance.records.folds.headers import ADD_TO_TIMELINE, blob_ops, header_ops, timeline_row, unreadable_ops
from appliance.records.folds.orders import given
