using System.Globalization;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace RunProof.Generators.Tests.Driving;

/// <summary>
/// A project as large as a team's: by default 2,000 files, of which 200 declare a skill each with its two records, 40 a shared record and 20 an enum; the others
/// are ordinary code that knows nothing of skills.
/// </summary>
internal sealed class LargeProject
{
    private const int Areas = 20;
    private readonly int _skills;

    public LargeProject(int files, int skills)
    {
        _skills = skills;
        var shared = Math.Max(1, skills / 5);
        var enums = Math.Max(1, skills / 10);
        Files =
        [
            .. Several(skills, i => ($"Area{i % Areas}/Skill{i}.cs", Skill(i, shared, enums))),
            .. Several(shared, static i => ($"Shared/Address{i}.cs", Address(i))),
            .. Several(enums, static i => ($"Shared/Mode{i}.cs", Mode(i))),
            .. Several(Math.Max(2, files - skills - shared - enums), static i => ($"Area{i % Areas}/Plain{i}.cs", Plain(i))),
        ];
    }

    /// <summary>The files, by path.</summary>
    public IReadOnlyList<(string Path, string Text)> Files { get; }

    /// <summary>How many records it declares.</summary>
    public int Records => Files.Sum(static file => Count(file.Text, "[Canonical"));

    /// <summary>A file that declares nothing of ours.</summary>
    public string PlainPath => Files[^1].Path;

    /// <summary>A file that declares a skill and its records.</summary>
    public string SkillPath => Files[_skills / 2].Path;

    /// <summary>The n-th edit inside a method of the plain file.</summary>
    public string BodyEdit(int n) => Text(PlainPath).Replace("var total = 0;", $"var total = {Number(n)};", StringComparison.Ordinal);

    /// <summary>The n-th edit that adds a member to the plain file.</summary>
    public string MemberEdit(int n) => Text(PlainPath).Replace("// members", $"public int Added{Number(n)}(string text) => text.Length;", StringComparison.Ordinal);

    /// <summary>The n-th edit that adds a type to the plain file.</summary>
    public string TypeEdit(int n) => Text(PlainPath) + $"\npublic sealed class AddedType{Number(n)} {{ public int Count {{ get; set; }} }}\n";

    /// <summary>The n-th edit that changes a record: what its author pays.</summary>
    public string RecordEdit(int n) => Text(SkillPath).Replace("// members", $"public int Added{Number(n)} {{ get; init; }} = 1;", StringComparison.Ordinal);

    public string Text(string path) => Files.First(file => string.Equals(file.Path, path, StringComparison.Ordinal)).Text;

    private static IEnumerable<(string Path, string Text)> Several(int count, Func<int, (string Path, string Text)> make) => Enumerable.Range(0, count).Select(make);

    private static string Skill(int i, int shared, int enums) => $$"""
        using System;
        using System.Collections.Generic;
        using System.Threading;
        using System.Threading.Tasks;
        using RunProof.Format;
        using RunProof.Skills;
        using Shop.Shared;

        namespace Shop.Area{{Number(i % Areas)}};

        /// <summary>What skill {{Number(i)}} is told: an order, as the planner wrote it.</summary>
        /// <param name="OrderId">The order's number in the shop.</param>
        /// <param name="Quantity">How many pieces.</param>
        [Canonical(Name = "shop.parameters{{Number(i)}}", Version = "2")]
        public sealed partial record Parameters{{Number(i)}}(string OrderId, int Quantity, Mode{{Number(i % enums)}} Mode = Mode{{Number(i % enums)}}.Fast)
        {
            /// <summary>Where it goes; see <see cref="Address{{Number(i % shared)}}"/>.</summary>
            public required Address{{Number(i % shared)}} Destination { get; init; }

            /// <summary>Further addresses, by role.</summary>
            public IReadOnlyDictionary<string, Address{{Number((i + 1) % shared)}}>? Others { get; init; }

            /// <summary>Free words.</summary>
            public IReadOnlyList<string> Tags { get; init; } = [];

            /// <summary>The price of one piece.</summary>
            public required decimal PriceOfOne { get; init; }

            /// <summary>When it was ordered.</summary>
            public required DateTimeOffset OrderedAt { get; init; }

            /// <summary>How long to wait at most.</summary>
            public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds({{Number(i)}});

            [WireName("correlation")]
            public Guid? CorrelationId { get; init; }

            // members
        }

        /// <summary>What skill {{Number(i)}} found.</summary>
        [Canonical]
        public sealed partial record Outcome{{Number(i)}}
        {
            /// <summary>Whether it was accepted.</summary>
            public required bool Accepted { get; init; }

            /// <summary>The parameters it was asked with.</summary>
            public required Parameters{{Number(i)}} Asked { get; init; }

            /// <summary>How it was sent.</summary>
            public required IReadOnlyList<Mode{{Number((i + 1) % enums)}}> Modes { get; init; }

            public required double Confidence { get; init; }

            public required long Bytes { get; init; }

            public string? Note { get; init; } = "none";
        }

        /// <summary>Ships order {{Number(i)}} and says <em>how</em>.</summary>
        [Skill("shop.skill_{{Number(i)}}", Version = "1.{{Number(i)}}.0")]
        public sealed partial class Skill{{Number(i)}}(IServiceProvider services)
        {
            /// <summary>Does it.</summary>
            public async Task<Outcome{{Number(i)}}> ExecuteAsync(Parameters{{Number(i)}} parameters, SkillContext context, CancellationToken cancellationToken)
            {
                await Task.Delay(parameters.Timeout, cancellationToken);
                return new Outcome{{Number(i)}} { Accepted = services is not null, Asked = parameters, Modes = [], Confidence = 0.5, Bytes = parameters.Tags.Count };
            }
        }
        """;

    private static string Address(int i) => $$"""
        using System.Collections.Generic;
        using RunProof.Format;
        namespace Shop.Shared;

        /// <summary>An address of kind {{Number(i)}}.</summary>
        /// <param name="Street">Street and number.</param>
        /// <param name="Zip">The postal code.</param>
        [Canonical(Version = "{{Number(1 + (i % 3))}}")]
        public sealed partial record Address{{Number(i)}}(string Street, string Zip, string City, string? Country = "DE", int Floor = 0)
        {
            /// <summary>Where on the map.</summary>
            public IReadOnlyList<double> Point { get; init; } = [];

            public byte[]? Signature { get; init; }
        }
        """;

    private static string Mode(int i) => $$"""
        using RunProof.Format;
        namespace Shop.Shared;

        /// <summary>How it is sent, {{Number(i)}}.</summary>
        public enum Mode{{Number(i)}}
        {
            Slow,
            [WireName("FAST")] Fast,
            OverNight,
        }
        """;

    private static string Plain(int i)
    {
        var code = new StringBuilder($$"""
            using System;
            using System.Collections.Generic;
            using System.Linq;
            using System.Threading.Tasks;

            namespace Shop.Area{{Number(i % Areas)}};

            /// <summary>What a program is made of besides skills.</summary>
            public interface IStore{{Number(i)}}
            {
                Task<IReadOnlyList<string>> FindAsync(string text);
            }

            /// <summary>Ordinary code.</summary>
            public class Plain{{Number(i)}} : IStore{{Number(i)}}
            {
                private readonly Dictionary<string, List<int>> _index = new(StringComparer.Ordinal);

                /// <summary>How many.</summary>
                public int Count { get; set; }

                public string Name { get; set; } = "plain";

                // members

            """);
        for (var method = 0; method < 8; method++)
        {
            code.Append(CultureInfo.InvariantCulture, $$"""

                    /// <summary>Adds up what is kept under <paramref name="key"/>.</summary>
                    /// <param name="key">The key.</param>
                    public int Sum{{Number(method)}}(string key, int factor = {{Number(method)}})
                    {
                        var total = 0;
                        if (!_index.TryGetValue(key, out var numbers))
                            return total;
                        foreach (var number in numbers.Where(static number => number > 0))
                        {
                            total += number * factor;
                            if (total > 1_000)
                                Console.WriteLine($"{key}: {total}");
                        }

                        return total;
                    }

                """);
        }

        code.Append("""

                public async Task<IReadOnlyList<string>> FindAsync(string text)
                {
                    await Task.Yield();
                    return _index.Keys.Where(key => key.Contains(text)).ToList();
                }
            }
            """);
        return code.ToString();
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static int Count(string text, string part) => text.Split(part).Length - 1;
}
