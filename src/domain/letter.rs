//! What is said to whom: letters as values.
