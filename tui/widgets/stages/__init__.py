"""The stages of taking an application in that are not pages of its form: people, papers, fee, check."""
