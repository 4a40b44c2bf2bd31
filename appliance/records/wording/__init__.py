"""Entries as people read them: who did what to what, when. `lines` makes them; the others say what each kind says."""

from appliance.records.wording.lines import Line, Names, line
