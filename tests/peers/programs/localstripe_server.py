"""localstripe, a stateful Stripe that others wrote, on the port given.

Its own command listens on every address of the machine and keeps its books in a file that all its
servers share; its application is served here as it is, and its books stay in memory.
"""

import sys

from aiohttp import web
from localstripe.resources import Store
from localstripe.server import app

Store.dump_to_disk = lambda _: None
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
