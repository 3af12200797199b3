"""Who people are, what they may do where, how they prove it, and what is kept sealed from them."""
