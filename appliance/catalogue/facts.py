"""The names under which facts about a person are attested, shared by all services.

What was attested under a name in one service satisfies every other that asks for the same name, so a new service
should take its names from here. A service may use a name of its own; then one of its fields must ask for it.
"""

from __future__ import annotations

from typing import Final

FACTS: Final = frozenset(
    {
        # who it is
        "name",
        "name_native",
        "father_name",
        "mother_name",
        "husband_name",
        "spouse_name",
        "gender",
        "born",
        "birth_place",
        "died",
        "death_place",
        "marital_status",
        "religion",
        "nationality",
        "occupation",
        "qualification",
        # numbers
        "cnic",
        "aadhaar",
        "passport",
        # where
        "address_present",
        "address_permanent",
        "district",
        "domicile_district",
        "tehsil",
        "arrived",
        # how to reach
        "phone",
        "email",
        # health
        "blood_group",
        "disability",
        "medically_fit",
    }
)
