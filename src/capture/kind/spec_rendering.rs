//! Spec renderings: a spec with its placeholders filled in.

bytes_kind!(SpecRendering, "a spec with its placeholders filled in, as a model was shown it");
