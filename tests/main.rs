//! The one integration binary.

mod durability;
