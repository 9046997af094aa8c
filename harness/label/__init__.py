"""The web page on which people give labels."""
