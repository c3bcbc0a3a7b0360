"""Which captured records a page shows: their source, range, endpoint and variant, in its address; and reading new ones.

Pages about captured records have one view in common: who goes from one to another sees the same time.
"""
