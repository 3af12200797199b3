"""Scores of units and people for a period: from counted entries alone, kept with a digest, corrected openly."""
