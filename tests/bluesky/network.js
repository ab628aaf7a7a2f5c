// A real Bluesky network on this machine: PLC directory, PDS, AppView. For end-to-end tests; started by start.sh.
//
// Control port, on loopback: JSON in, JSON out; an error is 500 {"error"}.
//   GET  /                                      -> {pds, appview}
//   POST /account {handle}                      -> {did, handle, password}
//   POST /post    {handle, text, createdAt?, embed?}  -> {uri, cid}
//   POST /reply   {handle, text, root, parent?, createdAt?, embed?} -> {uri, cid}    root, parent: {uri, cid}
//   POST /chain   {handle, text, root, parent?, length} -> [{uri, cid}]  replies, each under the one before
//   POST /delete  {handle, uri}                 the author deletes a post
//   POST /block   {handle, did}                 -> {uri}  handle blocks did
//   POST /mute    {handle, did}
//   POST /takedown {uri, cid}                   the network's moderators take a post down
//   GET  /gate?uri=…                            -> {cid, value}: the threadgate of a post, or null
//   POST /gate    {handle, uri, value?}         somebody in the app writes the gate of a post; without value: removes it
//   GET  /notifications?handle=…                -> [{uri, reason}]
//   POST /settle                                waits until the AppView has seen everything
//   POST /stop                                  ends the network
const http = require('node:http')
const { TestNetwork } = require('@atproto/dev-env')
const { AtpAgent } = require('@atproto/api')

const password = 'hunter2-hunter2'
const agents = new Map()
const ref = ({ uri, cid }) => ({ uri, cid })
const gateOf = (uri) => {
  const [, , repo, , rkey] = uri.split('/')
  return { repo, collection: 'app.bsky.feed.threadgate', rkey }
}

async function main() {
  const network = await TestNetwork.create({ pds: { enableDidDocWithSession: true }, bsky: { dbPostgresSchema: 'bsky' } })
  let server
  const stop = async () => {
    server?.close()
    await Promise.race([network.close().catch(() => {}), new Promise((done) => setTimeout(done, 5000))])
    process.exit(0)
  }
  const post = (handle, fields, createdAt) => {
    const agent = agents.get(handle)
    if (!agent) throw new Error(`no account ${handle}`)
    return agent.post({ ...fields, createdAt: createdAt ?? new Date().toISOString() })
  }
  const routes = {
    async 'GET /'() {
      return { pds: network.pds.url, appview: network.bsky.url }
    },
    async 'POST /account'({ handle }) {
      const agent = new AtpAgent({ service: network.pds.url })
      await agent.createAccount({ email: `${handle}@mail.test`, handle, password })
      agents.set(handle, agent)
      return { did: agent.session.did, handle, password }
    },
    async 'POST /post'({ handle, text, createdAt, embed }) {
      return ref(await post(handle, { text, embed }, createdAt))
    },
    async 'POST /reply'({ handle, text, root, parent, createdAt, embed }) {
      return ref(await post(handle, { text, embed, reply: { root: ref(root), parent: ref(parent ?? root) } }, createdAt))
    },
    async 'POST /chain'({ handle, text, root, parent, length }) {
      const made = []
      for (let n = 1; n <= length; n++) {
        const reply = { root: ref(root), parent: ref(made.at(-1) ?? parent ?? root) }
        made.push(ref(await post(handle, { text: `${text} ${n}`, reply })))
      }
      return made
    },
    async 'POST /delete'({ handle, uri }) {
      await agents.get(handle).deletePost(uri)
      return {}
    },
    async 'POST /block'({ handle, did }) {
      const agent = agents.get(handle)
      return agent.app.bsky.graph.block.create({ repo: agent.session.did }, { subject: did, createdAt: new Date().toISOString() })
    },
    async 'POST /mute'({ handle, did }) {
      await agents.get(handle).mute(did)
      return {}
    },
    async 'POST /takedown'({ uri, cid }) {
      const subject = { $type: 'com.atproto.repo.strongRef', uri, cid }
      for (const [server, headers] of [[network.pds, network.pds.adminAuthHeaders()], [network.bsky, network.bsky.adminAuthHeaders()]]) {
        const agent = new AtpAgent({ service: server.url })
        await agent.com.atproto.admin.updateSubjectStatus({ subject, takedown: { applied: true } }, { headers, encoding: 'application/json' })
      }
      return {}
    },
    async 'GET /gate'({ uri }) {
      try {
        const { data } = await new AtpAgent({ service: network.pds.url }).com.atproto.repo.getRecord(gateOf(uri))
        return { cid: data.cid, value: data.value }
      } catch (error) {
        if (error.error === 'RecordNotFound') return null
        throw error
      }
    },
    async 'POST /gate'({ handle, uri, value }) {
      const repo = agents.get(handle).com.atproto.repo
      const { data } = value ? await repo.putRecord({ ...gateOf(uri), record: value }) : await repo.deleteRecord(gateOf(uri))
      return data
    },
    async 'GET /notifications'({ handle }) {
      const { data } = await agents.get(handle).listNotifications({ limit: 100 })
      return data.notifications.map(({ uri, reason }) => ({ uri, reason }))
    },
    async 'POST /settle'() {
      await network.processAll()
      return {}
    },
    async 'POST /stop'() {
      setTimeout(stop, 50)
      return {}
    },
  }
  server = http.createServer(async (request, response) => {
    const url = new URL(request.url, 'http://localhost')
    let body = ''
    for await (const chunk of request) body += chunk
    response.setHeader('content-type', 'application/json')
    try {
      const route = routes[`${request.method} ${url.pathname}`]
      if (!route) throw new Error(`no ${request.method} ${url.pathname}`)
      response.end(JSON.stringify(await route({ ...Object.fromEntries(url.searchParams), ...(body ? JSON.parse(body) : {}) })))
    } catch (error) {
      response.statusCode = 500
      response.end(JSON.stringify({ error: String(error) }))
    }
  })
  server.listen(0, '127.0.0.1', () => {
    const control = `http://127.0.0.1:${server.address().port}`
    console.log(`READY ${JSON.stringify({ pds: network.pds.url, appview: network.bsky.url, control })}`)
  })
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  if (process.argv.includes('--until-stdin-closes')) {
    // The test that started us may be killed: its end of the pipe closes even then.
    process.stdin.on('end', stop)
    process.stdin.resume()
  }
}
main().catch((error) => {
  console.error(error)
  process.exit(1)
})
