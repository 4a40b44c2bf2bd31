"""The operator's console: Textual screens, widgets and the keymap.

Everything on the screens is made from the catalogue and from what the verbs of `appliance.casework` answer; no service
has code here. Store work runs in threads and its answers are posted back, so that a key is always echoed at once.
Latin script only: native script breaks in nearly every terminal, so it is shown letter by letter in Latin
(`tui/latin.py`); it is set properly on paper and on the citizen's screen.

It may import `appliance.casework` and its neighbours, and `devices.contracts`; nothing imports it but `provisioning`.
"""
