//! Decides the role and starts it.

fn main() {}
