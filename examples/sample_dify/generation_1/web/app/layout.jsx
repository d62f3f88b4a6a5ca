import { defaultLocale, textsOf } from '../i18n'

// What the environment says counts when the server runs, not when it was built: the page is made at each request, and
// hands the values on to the browser as data attributes.
export const dynamic = 'force-dynamic'

export const metadata = { title: textsOf(defaultLocale).title }

export default function Layout({ children }) {
  return (
    <html lang={defaultLocale}>
      <body
        data-api-prefix={process.env.NEXT_PUBLIC_API_PREFIX || '/console/api'}
        style={{ fontFamily: 'sans-serif', margin: '3rem auto', maxWidth: '40rem' }}
      >
        <img src={`${process.env.NEXT_PUBLIC_BASE_PATH || ''}/logo/logo.svg`} alt="" />
        {children}
      </body>
    </html>
  )
}
