"""A county run through simulated time: people act late or in time, on matters of every procedure there is.

Nothing here knows a procedure by name but `rates`, which says how much of what arrives.
"""
