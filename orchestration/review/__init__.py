"""`tieout review`: a small local web app to work the exception queue and the approvals.

It shows what the state store and the warehouse hold, and takes the words that the command line
takes, by the same functions: rules about who may say what belong to reconcilers/, never here. It
sends nothing to a source system.
"""
