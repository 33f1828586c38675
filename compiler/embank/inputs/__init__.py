"""Reading what people write: every problem at once, each with its place.

yaml/      bytes become plain data, strictly, with the place of everything
kinds      which kind of file it is, for people who take one for another
shape      which keys there are, and what their values are
provider/  the provider: a configuration file, and the bank and plugins that it names
resources  the resource graph
plan/      the plan, and a file of parameters
request    all of these together: what a compilation is a function of
workflow/  the workflow file, as it is executed
durations  how long its actions take, for a rehearsal
discover   the other way round: the graph of what there is, asked of the provider's protectables
"""
