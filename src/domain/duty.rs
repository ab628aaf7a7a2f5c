//! What a person must do, as data: kind, source, period, who, ladder, allowed outcomes.
