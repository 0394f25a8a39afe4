//! What holds on every database; each test target brings its own `database::fresh`.

mod store;
