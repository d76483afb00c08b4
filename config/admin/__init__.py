"""What every page of the operators' desk shares: Django's admin, kept from going round the rules."""
