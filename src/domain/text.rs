//! Views of a Swedish text, each with a way back to the original's byte offsets.
