"""One router per noun: parse, one call, answer."""
