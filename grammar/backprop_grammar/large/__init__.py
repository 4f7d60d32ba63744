"""Programs over arrays computed array by array, certified element by element."""
