//! As much DER (ITU-T X.690) as a time-stamp token and the certificates in it need, read strictly.

/// Tags that are looked for.
pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// The tag `[n]` of something constructed.
pub(super) const fn context(n: u8) -> u8 {
    0xa0 | n
}

/// The bytes are no DER, or not what must stand there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

/// One value: its tag, its content, and all its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Value<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    pub(super) whole: &'a [u8],
}

impl<'a> Value<'a> {
    /// The values inside.
    pub(super) fn inside(&self) -> Der<'a> {
        Der(self.content)
    }
}

/// Values one after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Der<'a>(pub(super) &'a [u8]);

impl<'a> Der<'a> {
    /// True when nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next value, whatever it is.
    pub(super) fn next(&mut self) -> Result<Value<'a>, Broken> {
        let (&tag, rest) = self.0.split_first().ok_or(Broken)?;
        // Tags above 30 take more bytes; nothing that is read here has one.
        if tag & 0x1f == 0x1f {
            return Err(Broken);
        }
        let (&first, mut rest) = rest.split_first().ok_or(Broken)?;
        let length = match first {
            0..=0x7f => usize::from(first),
            0x81..=0x84 => {
                let (digits, after) = rest.split_at_checked(usize::from(first & 0x7f)).ok_or(Broken)?;
                rest = after;
                let length = digits.iter().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
                // DER has one way to write a length: the shortest.
                if digits.first() == Some(&0) || length < 0x80 {
                    return Err(Broken);
                }
                length
            }
            _ => return Err(Broken),
        };
        let (content, after) = rest.split_at_checked(length).ok_or(Broken)?;
        let whole = self.0.get(..self.0.len() - after.len()).ok_or(Broken)?;
        self.0 = after;
        Ok(Value { tag, content, whole })
    }

    /// The next value, which must have this tag.
    pub(super) fn take(&mut self, tag: u8) -> Result<Value<'a>, Broken> {
        let value = self.next()?;
        if value.tag == tag { Ok(value) } else { Err(Broken) }
    }

    /// The next value if it has this tag.
    pub(super) fn take_if(&mut self, tag: u8) -> Result<Option<Value<'a>>, Broken> {
        if self.0.first() == Some(&tag) { self.next().map(Some) } else { Ok(None) }
    }

    /// One value of this tag and nothing after it.
    pub(super) fn only(mut self, tag: u8) -> Result<Value<'a>, Broken> {
        let value = self.take(tag)?;
        if self.is_empty() { Ok(value) } else { Err(Broken) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_the_one_form_of_a_value_is_refused() {
        for bad in [
            &[][..],
            &[0x30],
            &[0x30, 0x01],
            &[0x30, 0x80, 0x00, 0x00],
            &[0x30, 0x81, 0x01, 0x00],
            &[0x30, 0x82, 0x00, 0x81],
            &[0x30, 0x85, 1, 1, 1, 1, 1],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[0x1f, 0x81, 0x00],
        ] {
            assert_eq!(Der(bad).next(), Err(Broken), "{bad:02x?}");
        }
        assert_eq!(Der(&[0x02, 0x01, 0x05, 0x00]).only(INTEGER), Err(Broken));
        let long = [&[0x04, 0x81, 0x80][..], &[7; 0x80]].concat();
        assert_eq!(Der(&long).only(OCTETS).unwrap().content, [7; 0x80]);
    }

    #[test]
    fn values_are_read_one_after_the_other() {
        let mut der = Der(&[0x30, 0x03, 0x02, 0x01, 0x05, 0x01, 0x01, 0xff]);
        let list = der.take(SEQUENCE).unwrap();
        assert_eq!(list.whole, [0x30, 0x03, 0x02, 0x01, 0x05]);
        assert_eq!(list.inside().only(INTEGER).unwrap().content, [5]);
        assert_eq!(der.take_if(INTEGER), Ok(None));
        assert_eq!(der.take_if(BOOLEAN).unwrap().unwrap().content, [0xff]);
        assert!(der.is_empty());
    }
}
