import './globals.css'
import { getTexts } from '../i18n'

const { locale, texts } = getTexts(process.env.NEXT_PUBLIC_LOCALE)

export const metadata = { title: texts.title }

export default function Layout({ children }) {
  return (
    <html lang={locale}>
      <body>{children}</body>
    </html>
  )
}
