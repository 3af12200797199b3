"""Ledgers (台账): read as county offices keep them, and given back where a person has to mend them."""
