"""The operator's console: Textual screens, widgets and the keymap will live here.

It may import `appliance.casework` and its neighbours, and `devices.contracts`; nothing imports it but `provisioning`.
"""
