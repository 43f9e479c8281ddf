"""What `carillon doctor` does: facts are gathered side by side, and rules make findings of them.

`case` reads what the doctor is told; `facts` look at files, engines and others, each within its
time; `rules` say what is wrong, without any I/O; `checks` puts the two together; `report` is what
an operator reads. A check that cannot be done says so. What a code means: docs/doctor.md.
"""
