//! STUB
pub fn layouts() -> impl Iterator<Item = (&'static str, &'static [u8])> {
    std::iter::empty()
}
pub fn dynamic() -> impl Iterator<Item = (&'static str, &'static [u8])> {
    std::iter::empty()
}
