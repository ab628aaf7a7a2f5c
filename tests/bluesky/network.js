// A real Bluesky network on this machine: PLC directory, PDS, AppView. For end-to-end tests; started by start.sh.
//
// Control port, on loopback: JSON in, JSON out; an error is 500 {"error"}.
//   GET  /                                      -> {pds, appview}
//   POST /account {handle, password?}           -> {did, handle, password}
//   POST /profile {handle, name}                what others see as their name
//   POST /post    {handle, text, createdAt?, embed?}  -> {uri, cid}
//   POST /reply   {handle, text, root, parent?, createdAt?, embed?} -> {uri, cid}    root, parent: {uri, cid}
//   POST /chain   {handle, text, root, parent?, length} -> [{uri, cid}]  replies, each under the one before
//   POST /write   {posts: [{handle, uri, text, createdAt, root?, parent?, embed?}]}  posts at chosen addresses, those that
//                 others among them answer first; root, parent: addresses of what was written here before
//   GET  /record?uri=…                          -> {value}: a post as its author's repository has it, or null
//   POST /delete  {handle, uri}                 the author deletes a post
//   POST /again   {uri}                         the author of a post made by /write writes it again, as it was
//   POST /block   {handle, did}                 -> {uri}  handle blocks did
//   POST /mute    {handle, did}
//   POST /takedown {uri, cid}                   the network's moderators take a post down
//   POST /password {did, password}              the server's administrator sets a password
//   POST /suspend {did, applied}                the server's administrator suspends an account, or no longer
//   POST /handle  {did, handle}                 an account gets another handle
//   GET  /gate?uri=…                            -> {cid, value}: the threadgate of a post, or null
//   POST /gate    {handle, uri, value?}         somebody in the app writes the gate of a post; without value: removes it
//   GET  /notifications?handle=…                -> [{uri, reason}]
//   POST /settle                                waits until the AppView has seen everything
//   POST /stop                                  ends the network
const http = require('node:http')
const { TestNetwork } = require('@atproto/dev-env')
const { AtpAgent } = require('@atproto/api')

const usual = 'hunter2-hunter2'
const agents = new Map()
const written = new Map() // address -> {agent, record, cid} of what /write has written
const ref = ({ uri, cid }) => ({ uri, cid })
const placeOf = (uri) => {
  const [, , repo, collection, rkey] = uri.split('/')
  return { repo, collection, rkey }
}
const gateOf = (uri) => {
  return { ...placeOf(uri), collection: 'app.bsky.feed.threadgate' }
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
  const write = async (agent, posts) => {
    const writes = posts.map(({ uri, text, createdAt, root, parent, embed }) => {
      const strong = (uri) => ({ uri, cid: written.get(uri).cid })
      const reply = root ? { root: strong(root), parent: strong(parent) } : undefined
      const value = { $type: 'app.bsky.feed.post', text, createdAt, reply, embed }
      const { collection, rkey } = placeOf(uri)
      return { $type: 'com.atproto.repo.applyWrites#create', collection, rkey, value }
    })
    const { data } = await agent.com.atproto.repo.applyWrites({ repo: agent.session.did, writes })
    posts.forEach(({ uri }, n) => written.set(uri, { agent, record: writes[n].value, cid: data.results[n].cid }))
  }
  const recordOf = async (place) => {
    try {
      const { data } = await new AtpAgent({ service: network.pds.url }).com.atproto.repo.getRecord(place)
      return { cid: data.cid, value: data.value }
    } catch (error) {
      if (error.error === 'RecordNotFound') return null
      throw error
    }
  }
  const asAdministrator = (act) =>
    act(new AtpAgent({ service: network.pds.url }).com.atproto.admin, {
      headers: network.pds.adminAuthHeaders(),
      encoding: 'application/json',
    })
  const routes = {
    async 'GET /'() {
      return { pds: network.pds.url, appview: network.bsky.url }
    },
    async 'POST /account'({ handle, password = usual }) {
      const agent = new AtpAgent({ service: network.pds.url })
      await agent.createAccount({ email: `${handle}@mail.test`, handle, password })
      agents.set(handle, agent)
      return { did: agent.session.did, handle, password }
    },
    async 'POST /profile'({ handle, name }) {
      const agent = agents.get(handle)
      const record = { $type: 'app.bsky.actor.profile', displayName: name }
      await agent.com.atproto.repo.putRecord({ repo: agent.session.did, collection: record.$type, rkey: 'self', record })
      return {}
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
    async 'POST /write'({ posts }) {
      let left = posts
      while (left.length > 0) {
        const now = left.filter(({ root, parent }) => !root || (written.has(root) && written.has(parent)))
        if (now.length === 0) throw new Error(`nobody wrote ${left[0].root} or ${left[0].parent}`)
        left = left.filter((post) => !now.includes(post))
        for (const agent of new Set(now.map(({ handle }) => agents.get(handle)))) {
          const own = now.filter(({ handle }) => agents.get(handle) === agent)
          // The server takes 200 at once.
          for (let n = 0; n < own.length; n += 200) await write(agent, own.slice(n, n + 200))
        }
      }
      return {}
    },
    async 'POST /again'({ uri }) {
      const { agent, record } = written.get(uri)
      await agent.com.atproto.repo.createRecord({ ...placeOf(uri), record })
      return {}
    },
    async 'GET /record'({ uri }) {
      return { value: (await recordOf(placeOf(uri)))?.value ?? null }
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
    async 'POST /password'({ did, password }) {
      await asAdministrator((admin, options) => admin.updateAccountPassword({ did, password }, options))
      return {}
    },
    async 'POST /suspend'({ did, applied }) {
      const subject = { $type: 'com.atproto.admin.defs#repoRef', did }
      await asAdministrator((admin, options) => admin.updateSubjectStatus({ subject, takedown: { applied } }, options))
      return {}
    },
    async 'POST /handle'({ did, handle }) {
      await asAdministrator((admin, options) => admin.updateAccountHandle({ did, handle }, options))
      return {}
    },
    async 'GET /gate'({ uri }) {
      return recordOf(gateOf(uri))
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
      await network.processAll(60_000)
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
