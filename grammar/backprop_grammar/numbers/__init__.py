"""Numbers that know how wrong they may be, one class per number system."""
