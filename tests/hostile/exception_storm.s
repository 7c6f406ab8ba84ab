# Raises an exception, and once more whenever it is handled, for ever.
.include "guest.inc"
.include "traps.inc"

image "exception_storm"
    tables
    handle 6, again
again:
    movl $stack_top, %esp
    ud2
