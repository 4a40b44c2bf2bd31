"""The screens of the console, one module for each thing that an operator does."""
