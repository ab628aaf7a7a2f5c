//! Each platform's way of giving keys: where a person consents, which rights are asked for, and what each is for.
//!
//! Sources: Meta "Manually Build a Login Flow", "Get Long-Lived Tokens", "Business Login for Instagram"; Google "OAuth 2.0
//! for Desktop Apps"; LinkedIn "Authorization Code Flow (3-legged OAuth)"; X "OAuth 2.0 Authorization Code Flow with
//! PKCE".

use secrecy::SecretString;

use crate::connector::MissingRight;
use crate::domain::comment::Platform;

/// The municipality's app at a platform.
#[derive(Debug, Clone)]
pub(super) struct App {
    pub(super) id: String,
    pub(super) secret: Option<SecretString>,
}

/// A right, what does not work without it, and where it is given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Right {
    /// As it is asked for.
    pub(super) name: &'static str,
    /// Other names that mean the same; a platform may answer with an older one.
    pub(super) also: &'static [&'static str],
    /// In Swedish.
    pub(super) without: &'static str,
}

/// A platform's way of giving keys.
#[derive(Debug)]
pub(super) struct Service {
    /// The page where a person consents.
    pub(super) page: &'static str,
    /// Where the platform sends the person afterwards, unless the app is registered with another address.
    pub(super) redirect: &'static str,
    /// The rights asked for.
    pub(super) rights: &'static [Right],
    /// What stands between two rights in the address.
    pub(super) between: &'static str,
    /// Parameters of its own.
    pub(super) extra: &'static [(&'static str, &'static str)],
    /// Whether a proof of possession is asked for (RFC 7636).
    pub(super) pkce: bool,
    /// Whether the app must prove itself by a secret.
    pub(super) needs_secret: bool,
    /// Where rights are given, in Swedish.
    pub(super) place: &'static str,
    /// How long there is to paste the code.
    pub(super) hurry: &'static str,
}

const LOCAL: &str = "http://127.0.0.1:8765/";

const fn right(name: &'static str, without: &'static str) -> Right {
    Right { name, also: &[], without }
}

static FACEBOOK: Service = Service {
    page: "https://www.facebook.com/v25.0/dialog/oauth",
    redirect: "https://www.facebook.com/connect/login_success.html",
    rights: &[
        right("pages_show_list", "sidorna kan inte listas, och kopplingen kan inte göras om"),
        right("pages_read_engagement", "inlägg och sidans egna svar läses inte"),
        right("pages_read_user_content", "besökares kommentarer läses inte"),
        right("pages_manage_engagement", "kommentarer kan varken döljas, göras synliga eller besvaras"),
    ],
    between: ",",
    extra: &[],
    pkce: false,
    needs_secret: true,
    place: "Meta for Developers, appens behörigheter (App Review), och samtycket när du loggar in",
    hurry: "",
};

static INSTAGRAM: Service = Service {
    page: "https://www.instagram.com/oauth/authorize",
    redirect: LOCAL,
    rights: &[
        right("instagram_business_basic", "kontot och dess inlägg läses inte"),
        right("instagram_business_manage_comments", "kommentarer varken läses med namn eller döljs"),
    ],
    between: ",",
    extra: &[],
    pkce: false,
    needs_secret: true,
    place: "Meta for Developers, appens Instagram-behörigheter, och samtycket när du loggar in",
    hurry: "",
};

static YOUTUBE: Service = Service {
    page: "https://accounts.google.com/o/oauth2/v2/auth",
    redirect: LOCAL,
    rights: &[Right {
        name: "https://www.googleapis.com/auth/youtube.force-ssl",
        also: &["youtube.force-ssl"],
        without: "kommentarer varken läses, hålls tillbaka eller besvaras",
    }],
    between: " ",
    // Without the two Google gives no refresh token the second time.
    extra: &[("access_type", "offline"), ("prompt", "consent")],
    pkce: true,
    needs_secret: true,
    place: "Google Cloud Console, appens samtyckesskärm, och kryssrutan när du loggar in",
    hurry: "",
};

static LINKEDIN: Service = Service {
    page: "https://www.linkedin.com/oauth/v2/authorization",
    redirect: LOCAL,
    rights: &[
        Right {
            name: "r_organization_social_feed",
            also: &["r_organization_social"],
            without: "kommentarer läses inte",
        },
        Right {
            name: "w_organization_social_feed",
            also: &["w_organization_social"],
            without: "kommentarer kan varken besvaras eller tas bort",
        },
        right("rw_organization_admin", "vilka sidor du administrerar kan inte listas"),
    ],
    between: " ",
    extra: &[],
    pkce: false,
    needs_secret: true,
    place: "LinkedIn Developers, appens produkter (Community Management API), som LinkedIn granskar",
    hurry: "",
};

static X: Service = Service {
    page: "https://x.com/i/oauth2/authorize",
    redirect: LOCAL,
    rights: &[
        right("tweet.read", "svar läses inte"),
        right("users.read", "avsändare läses inte"),
        right("tweet.moderate.write", "svar kan inte döljas"),
        right("offline.access", "nyckeln dör efter två timmar"),
    ],
    between: " ",
    extra: &[],
    pkce: true,
    needs_secret: false,
    place: "X Developer Portal, appens User authentication settings, och samtycket när du loggar in",
    hurry: " (the code is good for 30 seconds)",
};

/// Bluesky has no consent page here: an app password is made in the app.
static BLUESKY: Service = Service {
    page: "https://bsky.app/settings/app-passwords",
    redirect: LOCAL,
    rights: &[],
    between: " ",
    extra: &[],
    pkce: false,
    needs_secret: false,
    place: "Bluesky, Inställningar, Applösenord",
    hurry: "",
};

/// How a platform gives keys.
pub(super) fn of(platform: Platform) -> &'static Service {
    match platform {
        Platform::Facebook => &FACEBOOK,
        Platform::Instagram => &INSTAGRAM,
        Platform::Youtube => &YOUTUBE,
        Platform::Linkedin => &LINKEDIN,
        Platform::X => &X,
        Platform::Bluesky => &BLUESKY,
    }
}

impl Service {
    /// The rights asked for that `held` lacks.
    pub(super) fn missing(&self, held: &[String]) -> Vec<MissingRight> {
        self.rights
            .iter()
            .filter(|right| {
                !held.iter().any(|held| held == right.name || right.also.contains(&held.as_str()))
            })
            .map(|right| MissingRight {
                right: right.name.to_owned(),
                without: right.without.to_owned(),
                place: self.place.to_owned(),
            })
            .collect()
    }
}

/// The rights in a text that lists them, with spaces or commas between.
pub(super) fn listed(text: &str) -> Vec<String> {
    text.split([' ', ',']).filter(|right| !right.is_empty()).map(str::to_owned).collect()
}
