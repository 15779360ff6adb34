const express = require('express');

const app = express();

app.get('/hello/:name', (req, res) => {
  const name = req.params.name;
  res.type('text/plain').send(`hello ${name} ${[...name].reverse().join('')}\n`);
});

const server = app.listen(8080, '0.0.0.0');
// Node closes a connection that was idle for 5 s, which the pause before the
// steady phase may well be.
server.keepAliveTimeout = 0;
