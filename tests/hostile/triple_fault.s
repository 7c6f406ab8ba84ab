# Raises an exception with an empty interrupt descriptor table.
.include "guest.inc"

image "triple_fault"
    settle
    pushl $0
    pushl $0
    lidt (%esp)
    ud2
    exit
