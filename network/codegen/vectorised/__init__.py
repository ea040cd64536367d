"""From a model that NESTML has analysed to the text that the templates of the vectorised target print.

Runs inside the process that runs NESTML (``worker.py`` loads :mod:`plugin`), after NESTML has parsed the model
and ODE-toolbox has split its equations. The result is a :class:`model.LaneModel`, whose attributes the
templates in ``templates/vectorised`` print without further thought.
"""
