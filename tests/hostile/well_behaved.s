# Breaks no rule: what all others begin with.
.include "guest.inc"

image "well_behaved"
    exit
