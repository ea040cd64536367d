# For type checkers, which do not run __init__.py: the front door of the package that lies in the folder `network`.
from network import Error as Error
from network import door as door
from network import list_experiments as list_experiments
from network import load as load
from network import open_run as open_run
from network import plan as plan
from network import run as run
from network import scan as scan

__version__: str
__all__ = ["Error", "list_experiments", "load", "open_run", "plan", "run", "scan"]
