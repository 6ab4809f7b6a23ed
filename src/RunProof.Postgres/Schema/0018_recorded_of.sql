-- The verifier tells of runs too, in the same words as the runner: it may ask how much is recorded of one (0015).
GRANT EXECUTE ON FUNCTION runproof.recorded_of TO runproof_verifier;
