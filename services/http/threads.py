"""A request in one worker thread: who calls, what he asks for, and the check of what is answered.

FastAPI takes each of these to a thread of its own and back, which costs about as much as a query. Where a router has
`route_class=InOneThread`, a request that is read before anybody looks at it goes to a thread once.
"""

import functools
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from inspect import iscoroutinefunction
from typing import Any, TypeVar

from fastapi import Request, Response, params
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from structlog.contextvars import bind_contextvars

T = TypeVar("T")
_WITHOUT_BODY = frozenset({"GET", "HEAD"})
_inside: ContextVar[bool] = ContextVar("in_a_worker_thread", default=False)


async def apart(work: Callable[[], T]) -> T:
    """Do what waits for the database: here if this is a worker thread, else in one."""
    return work() if _inside.get() else await run_in_threadpool(work)


def name_matter(request: Request) -> None:
    """From here on the log names the matter that the address names."""
    if (matter := request.path_params.get("matter_id")) is not None:
        bind_contextvars(matter=matter)


class InOneThread(APIRoute):
    """A route whose dependencies are all `async` and wait for nothing but `apart`.

    What reads a form itself, once it knows who calls (uploads do), needs the event loop: it goes the usual way.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **more: Any) -> None:
        super().__init__(path, endpoint if iscoroutinefunction(endpoint) else _apart(endpoint), **more)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        body = self.body_field is not None and not isinstance(self.body_field.field_info, params.Form)
        if not body and not (self.methods or set()) <= _WITHOUT_BODY:
            return handle

        async def handed_over(request: Request) -> Response:
            name_matter(request)  # a thread has its own copy of the context, and the last line is written outside
            if body:
                await request.body()  # kept with the request
            return await run_in_threadpool(_carry_out, handle(request))

        return handed_over


def _apart(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(endpoint)
    async def waited_for(**given: Any) -> Any:
        return await apart(functools.partial(endpoint, **given))

    return waited_for


def _carry_out(handling: Coroutine[Any, Any, Response]) -> Response:
    """Run to its end what never has to wait for the event loop."""
    _inside.set(True)
    try:
        handling.send(None)
    except StopIteration as ended:
        answer: Response = ended.value
        return answer
    handling.close()
    raise RuntimeError("a dependency of a route in one thread waited for the event loop")
