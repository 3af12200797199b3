"""What administrators do to units, people, posts and roles: judged, carried out and put on record in one transaction.

Every face goes through `units` and `people` here; what is in `services.identity` knows neither permission nor record.
"""
