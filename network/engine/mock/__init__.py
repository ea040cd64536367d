"""An engine that computes nothing: cells fire at given rates. Everything around a simulator can be tried with it."""
