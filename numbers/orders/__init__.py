"""Orders: `waiting` finds what backorders wait for, and which of them a new order competes with."""
