import asyncio

import tornado.web


class Hello(tornado.web.RequestHandler):
    def get(self, name):
        self.set_header("Content-Type", "text/plain")
        self.write(f"hello {name} {name[::-1]}\n")


async def main():
    app = tornado.web.Application([(r"/hello/([0-9a-z]+)", Hello)])
    app.listen(8080, "0.0.0.0")
    await asyncio.Event().wait()


asyncio.run(main())
