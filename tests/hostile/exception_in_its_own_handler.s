# Handles an exception by raising it, with a stack that goes on through all of memory and beyond.
.include "guest.inc"
.include "traps.inc"

image "exception_in_its_own_handler"
    tables
    handle 6, worse
worse:
    ud2
