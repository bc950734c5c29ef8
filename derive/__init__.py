"""Mathematics of backpropagation on one graph of named quantities.

Nothing here knows LaTeX, English, randomness or files.  Read it in this order:

    quantity    what a number is called          x[1]  W[2][1][1]  dL/dz[2][1]
    expression  a formula, kept as it is written  a*(1 - a)
    ops         one row an operation: its value and its local derivatives as they are taught
    graph       nodes (blocks of quantities) in topological order
    network     layers -> Graph
    evaluate    Graph -> values and gradients, over all samples and variants at once
    backprop    Graph -> Steps: the chain rule, scalar by scalar, made when asked for
    descent     parameter updates
    symbolic    the same in SymPy: closed forms and an independent oracle
    verify      Certificate: every number checked by independent methods
"""
