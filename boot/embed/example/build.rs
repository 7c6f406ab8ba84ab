//! Builds the function that the program includes.

fn main() {
    ampoule_embed::build("zip-reader", "reader");
}
