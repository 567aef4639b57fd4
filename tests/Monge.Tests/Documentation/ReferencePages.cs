using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Monge.Tests.Documentation;

/// <summary>The pages of docs/reference, made of the doc comments of what is public: one page for each namespace, and a page that lists them.</summary>
internal sealed partial class ReferencePages
{
    private const string Index = "README.md";
    private static readonly string[] s_assemblies = ["Monge.Engine", "Monge.Library", "Monge.Reports", "monge"];

    private static readonly SymbolDisplayFormat s_type = new(
        typeQualificationStyle: SymbolDisplayTypeQualificationStyle.NameAndContainingTypes,
        genericsOptions: SymbolDisplayGenericsOptions.IncludeTypeParameters,
        miscellaneousOptions: SymbolDisplayMiscellaneousOptions.UseSpecialTypes);

    private static readonly SymbolDisplayFormat s_member = new(
        typeQualificationStyle: SymbolDisplayTypeQualificationStyle.NameAndContainingTypes,
        genericsOptions: SymbolDisplayGenericsOptions.IncludeTypeParameters,
        memberOptions: SymbolDisplayMemberOptions.IncludeParameters | SymbolDisplayMemberOptions.IncludeType | SymbolDisplayMemberOptions.IncludeConstantValue
            | SymbolDisplayMemberOptions.IncludeRef,
        delegateStyle: SymbolDisplayDelegateStyle.NameAndSignature,
        extensionMethodStyle: SymbolDisplayExtensionMethodStyle.StaticMethod,
        parameterOptions: SymbolDisplayParameterOptions.IncludeType | SymbolDisplayParameterOptions.IncludeName
            | SymbolDisplayParameterOptions.IncludeDefaultValue | SymbolDisplayParameterOptions.IncludeParamsRefOut
            | SymbolDisplayParameterOptions.IncludeExtensionThis,
        propertyStyle: SymbolDisplayPropertyStyle.ShowReadWriteDescriptor,
        miscellaneousOptions: SymbolDisplayMiscellaneousOptions.UseSpecialTypes
            | SymbolDisplayMiscellaneousOptions.IncludeNullableReferenceTypeModifier);

    private readonly ILookup<string, INamedTypeSymbol> _types;
    private readonly Dictionary<string, string> _links = [];
    private readonly ReferenceText _text;

    /// <summary>Reads the assemblies and the doc comments beside them.</summary>
    public ReferencePages()
    {
        var files = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).DistinctBy(Path.GetFileName);
        var references = files.ToDictionary(path => Path.GetFileNameWithoutExtension(path)!, path => MetadataReference.CreateFromFile(
            path, documentation: s_assemblies.Contains(Path.GetFileNameWithoutExtension(path))
                ? new CommentFile(Path.ChangeExtension(path, ".xml")) : null));
        var compilation = CSharpCompilation.Create("reference", references: references.Values);
        _types = s_assemblies.Select(name => (IAssemblySymbol)compilation.GetAssemblyOrModuleSymbol(references[name])!)
            .SelectMany(assembly => Types(assembly.GlobalNamespace)).OrderBy(Name, StringComparer.Ordinal)
            .ToLookup(type => type.ContainingNamespace.ToDisplayString());
        foreach (var page in _types)
        {
            var anchors = new HashSet<string>();
            foreach (var type in page)
            {
                var anchor = Anchor().Replace(Name(type).ToLowerInvariant(), "");
                for (var (plain, k) = (anchor, 1); !anchors.Add(anchor); k++)
                {
                    anchor = $"{plain}-{k}";
                }

                _links[type.GetDocumentationCommentId()!] = $"{page.Key}.md#{anchor}";
            }
        }

        _text = new ReferenceText(Link);
    }

    /// <summary>The pages by their names.</summary>
    public IReadOnlyDictionary<string, string> Write() => _types.Select(page => (Name: page.Key + ".md", Text: Page(page)))
        .Append((Name: Index, Text: IndexPage())).ToDictionary(page => page.Name, page => page.Text);

    private static IEnumerable<INamedTypeSymbol> Types(INamespaceOrTypeSymbol within) => within.GetMembers().OfType<INamespaceOrTypeSymbol>()
        .Where(member => member is INamespaceSymbol || member.DeclaredAccessibility == Accessibility.Public)
        .SelectMany(member => member is INamedTypeSymbol type ? Types(type).Prepend(type) : Types(member));

    private static string Name(INamedTypeSymbol type) => type.ToDisplayString(s_type);

    private static string Head(INamedTypeSymbol type) => Name(type).Replace("<", @"\<", StringComparison.Ordinal);

    // Members link to their type: pages have no headings for them.
    private string? Link(string name)
    {
        if (name[0] != 'T')
        {
            name = "T:" + name[2..].Split('(')[0];
            name = name[..name.LastIndexOf('.')];
        }

        return _links.GetValueOrDefault(name);
    }

    private string IndexPage()
    {
        var text = new StringBuilder();
        text.AppendLine("# Reference").AppendLine().AppendLine("Everything public, from the doc comments, by namespace.").AppendLine();
        foreach (var page in _types.OrderBy(page => page.Key, StringComparer.Ordinal))
        {
            text.AppendLine($"## [{page.Key}]({page.Key}.md)").AppendLine();
            text.AppendJoin(", ", page.Select(type => $"[{Head(type)}]({_links[type.GetDocumentationCommentId()!]})"));
            text.AppendLine().AppendLine();
        }

        return text.ToString().TrimEnd() + "\n";
    }

    private string Page(IGrouping<string, INamedTypeSymbol> page)
    {
        var text = new StringBuilder();
        text.AppendLine($"# {page.Key}").AppendLine().AppendLine("Made from the doc comments: [all namespaces](README.md).").AppendLine();
        foreach (var type in page)
        {
            var comment = Comment(type);
            text.AppendLine($"## {Head(type)}").AppendLine();
            text.AppendLine($"`{Declaration(type)}`").AppendLine();
            foreach (var part in new[] { _text.Of(comment.Element("summary")), _text.Of(comment.Element("remarks")), Details(comment) })
            {
                if (part.Length > 0)
                {
                    text.AppendLine(part).AppendLine();
                }
            }

            var members = type.TypeKind == TypeKind.Delegate ? [] : type.GetMembers().Where(IsShown)
                .OrderBy(member => member is IMethodSymbol { MethodKind: MethodKind.Constructor } ? 0 : member is IMethodSymbol ? 2 : 1)
                .ThenBy(member => type.TypeKind == TypeKind.Enum ? "" : member.Name, StringComparer.Ordinal)
                .ThenBy(member => type.TypeKind == TypeKind.Enum ? "" : Signature(member), StringComparer.Ordinal).ToList();
            members.ForEach(member => text.AppendLine(Member(member)));
            text.AppendLine(members.Count > 0 ? "" : null);
        }

        return Gaps().Replace(text.ToString(), "\n\n").TrimEnd() + "\n";
    }

    // What a compiler adds to records has no comment; what everything has needs no words.
    private static bool IsShown(ISymbol member) => member is not INamedTypeSymbol
        && member.DeclaredAccessibility is Accessibility.Public or Accessibility.Protected or Accessibility.ProtectedOrInternal
        && member is not IMethodSymbol { MethodKind: MethodKind.PropertyGet or MethodKind.PropertySet or MethodKind.EventAdd or MethodKind.EventRemove }
        && !(member.Name is "Dispose" or "Equals" or "GetHashCode" or "ToString" && Comment(member).Element("summary") is null)
        && (member.GetDocumentationCommentXml()?.Length > 0 || member is IPropertySymbol { ContainingType.IsRecord: true, Name: not "EqualityContract" });

    private static string Declaration(INamedTypeSymbol type)
    {
        var kind = type.TypeKind switch
        {
            TypeKind.Class when type.IsRecord => "record",
            TypeKind.Struct when type.IsRecord => "record struct",
            var other => other.ToString().ToLowerInvariant(),
        };
        var kept = type.TypeKind == TypeKind.Class ? type.IsStatic ? "static " : type.IsAbstract ? "abstract " : type.IsSealed ? "sealed " : "" : "";
        string[] bases =
        [
            .. type.BaseType is { SpecialType: SpecialType.None } above && type.TypeKind == TypeKind.Class ? (string[])[Name(above)] : [],
            .. type.Interfaces.Where(known => known.Name != nameof(IEquatable<>)).Select(Name),
        ];
        return type.TypeKind == TypeKind.Delegate ? $"delegate {type.ToDisplayString(s_member)}"
            : $"{kept}{kind} {Name(type)}{(bases.Length > 0 ? $" : {string.Join(", ", bases)}" : "")}";
    }

    private static string Signature(ISymbol member)
    {
        var words = member.ToDisplayString(s_member);
        return member.ContainingType.TypeKind == TypeKind.Enum || member is IMethodSymbol { IsExtensionMethod: true } ? words
            : member is IFieldSymbol { HasConstantValue: true } ? $"const {words}" : member.IsStatic ? $"static {words}" : words;
    }

    private string Member(ISymbol member)
    {
        var comment = Comment(member);
        var positional = comment.HasElements ? null
            : Comment(member.ContainingType).Elements("param").FirstOrDefault(p => p.Attribute("name")!.Value == member.Name);
        string[] parts =
        [
            _text.Line(comment.Element("summary") ?? positional), _text.Line(comment.Element("value")), _text.Line(comment.Element("remarks")),
            Details(comment),
        ];
        return $"- `{Signature(member)}` {string.Join(' ', parts.Where(part => part.Length > 0))}".TrimEnd();
    }

    private string Details(XElement comment) => string.Join(' ', (string[])
    [
        .. comment.Elements().Where(e => e.Name.LocalName is "typeparam" or "param")
            .Select(p => $"*{p.Attribute("name")!.Value}*: {_text.Line(p)}"),
        .. comment.Elements("returns").Select(r => $"Returns: {_text.Line(r)}"),
        .. comment.Elements("exception").Select(e => $"`{e.Attribute("cref")!.Value.Split('.')[^1]}`: {_text.Line(e)}"),
    ]);

    // The comment, or that of what it inherits from.
    private static XElement Comment(ISymbol symbol)
    {
        var xml = symbol.GetDocumentationCommentXml();
        var comment = string.IsNullOrEmpty(xml) ? new XElement("doc") : XElement.Parse(xml);
        return comment.Element("inheritdoc") is not null && Inherited(symbol) is { } above ? Comment(above) : comment;
    }

    private static ISymbol? Inherited(ISymbol symbol) => symbol switch
    {
        IMethodSymbol { OverriddenMethod: { } method } => method,
        IPropertySymbol { OverriddenProperty: { } property } => property,
        INamedTypeSymbol type => type.Interfaces.FirstOrDefault(),
        _ => symbol.ContainingType.AllInterfaces.SelectMany(known => known.GetMembers())
            .FirstOrDefault(member => SymbolEqualityComparer.Default.Equals(symbol.ContainingType.FindImplementationForInterfaceMember(member), symbol)),
    };

    // The comments beside an assembly, by the names of symbols.
    private sealed class CommentFile(string path) : DocumentationProvider
    {
        private readonly Dictionary<string, string> _comments = XDocument.Load(path).Descendants("member")
            .ToDictionary(member => member.Attribute("name")!.Value, member => member.ToString(SaveOptions.DisableFormatting));

        public override bool Equals(object? obj) => ReferenceEquals(this, obj);

        public override int GetHashCode() => path.GetHashCode(StringComparison.Ordinal);

        protected override string? GetDocumentationForSymbol(string documentationMemberID, CultureInfo preferredCulture, CancellationToken cancellationToken) =>
            _comments.GetValueOrDefault(documentationMemberID);
    }

    [GeneratedRegex(@"[^\p{L}\p{N}_\- ]")]
    private static partial Regex Anchor();

    [GeneratedRegex(@"\n{3,}")]
    private static partial Regex Gaps();
}
