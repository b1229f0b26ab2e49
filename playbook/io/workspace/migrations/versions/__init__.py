"""One file a version, in order; the newest one's number stands in `schema.VERSIONS` too."""
