"""``./mesh demo``: a day of electricity and a credential, through all four services and back to who checks them."""
