"""What tests of plugins use: fakes, a conformance kit, a stub server."""
